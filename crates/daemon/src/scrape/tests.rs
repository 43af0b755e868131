//! The reader of expositions, and looks at servers on loopback.

mod looks;
mod oracle;
mod reads;
