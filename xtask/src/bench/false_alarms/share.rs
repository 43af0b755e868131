//! Shares that move from minute to minute, by themselves.

use evidence::random::Stream;

/// How a share moves from minute to minute.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Lognormal, with a memory of so many minutes.
    Lognormal { minutes: f64 },
    /// Beta, each minute anew.
    Beta,
}

/// A share that moves.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub(super) kind: Kind,
    pub(super) mean: f64,
    /// Its standard deviation over its mean.
    pub(super) deviation: f64,
    normal: f64,
}

impl Share {
    pub(super) fn new(kind: Kind, mean: f64, deviation: f64) -> Self {
        Self { kind, mean, deviation, normal: 0.0 }
    }

    /// The share of the next minute.
    pub(super) fn next(&mut self, stream: &mut Stream) -> f64 {
        match self.kind {
            Kind::Lognormal { minutes } => {
                let keeps = (-1.0 / minutes).exp();
                self.normal = keeps * self.normal + (1.0 - keeps * keeps).sqrt() * stream.normals()[0];
                let log = self.deviation.mul_add(self.deviation, 1.0).ln().sqrt();
                (self.mean * (log * (self.normal - log / 2.0)).exp()).min(1.0)
            }
            Kind::Beta => {
                let sum = (1.0 - self.mean) / (self.mean * self.deviation * self.deviation) - 1.0;
                let (fail, pass) = (gamma(self.mean * sum, stream), gamma((1.0 - self.mean) * sum, stream));
                fail / (fail + pass)
            }
        }
    }
}

/// A number of the gamma distribution of this shape, above 1, by Marsaglia and Tsang ("A simple method for
/// generating gamma variables", 2000).
fn gamma(shape: f64, stream: &mut Stream) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = stream.normals()[0];
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && stream.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}
