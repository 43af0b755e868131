//! TLS of both sides: the certificate of a server, taken anew when its files change, and the roots
//! that a caller believes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::Reached;
use super::log::Log;
use crate::config::front::TlsConfig;
use crate::config::live::Live;
use crate::material::{self, Material};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{}: holds no certificate in PEM", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// What a server needs to speak TLS, from its files.
fn server(tls: &TlsConfig) -> Result<ServerConfig, String> {
    let chain = certificates(&tls.certificate)?;
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", tls.key.display());
    let key = PrivateKeyDer::from_pem_slice(&read(&tls.key)?).map_err(|error| named(&error))?;
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| {
            let (certificate, key) = (tls.certificate.display(), tls.key.display());
            format!("{certificate} and {key} do not serve together: {error}")
        })?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(server)
}

/// What a caller needs to speak TLS to those whose certificates come from the roots of a file.
///
/// # Errors
///
/// Says which file is not what it should be.
pub fn client(roots: &Path) -> Result<Arc<ClientConfig>, String> {
    let mut store = RootCertStore::empty();
    for root in certificates(roots)? {
        store.add(root).map_err(|error| format!("{}: {error}", roots.display()))?;
    }
    let mut client = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(store)
        .with_no_client_auth();
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(client))
}

impl Material for TlsConfig {
    const NAME: &'static str = "certificate";
    type Held = ServerConfig;

    fn files(&self) -> Result<Vec<PathBuf>, String> {
        Ok(vec![self.certificate.clone(), self.key.clone()])
    }

    fn read(&self) -> Result<ServerConfig, String> {
        server(self)
    }

    fn told(&self, _: &ServerConfig) -> String {
        self.certificate.display().to_string()
    }

    fn warnings(_: &ServerConfig) -> &[String] {
        &[]
    }
}

/// A server's certificate and key in force.
#[derive(Debug)]
pub struct Certificate(Live<ServerConfig>);

impl Certificate {
    /// Reads certificate and key where the configuration names them, and follows them: as the files
    /// change, and as others are named. Whether TLS is spoken at all is decided here, for good.
    ///
    /// # Errors
    ///
    /// Says which file is not what it should be.
    pub fn of<C: Reached>(
        config: &Live<C>,
        asked: mpsc::Receiver<()>,
        log: &Log,
    ) -> Result<Option<Self>, String> {
        let Some(first) = config.now().server().tls.clone() else { return Ok(None) };
        let config = config.clone();
        let named = move || config.now().server().tls.clone();
        Ok(Some(Self(material::follow(first, named, asked, log)?)))
    }

    /// What takes the next handshake.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.now())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::front::ServerConfig as Server;
    use crate::config::reload::EVERY;
    use crate::http::log::tests::Page;
    use crate::metrics::Metrics;

    /// A directory of its own, gone with the test.
    struct Files(std::path::PathBuf);

    impl Files {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("authd-tls-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        /// Writes a certificate and its key.
        fn draw(&self, name: &str) {
            let rcgen::CertifiedKey { cert, signing_key } =
                rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
            std::fs::write(self.0.join("tls.crt"), cert.pem()).unwrap();
            std::fs::write(self.0.join("tls.key"), signing_key.serialize_pem()).unwrap();
        }

        fn config(&self) -> Live<Server> {
            let text = "listen = '127.0.0.1:0'\n[tls]\ncertificate = 'tls.crt'\nkey = 'tls.key'";
            let mut config: Server = toml::from_str(text).unwrap();
            let tls = config.tls.as_mut().unwrap();
            tls.certificate = self.0.join("tls.crt");
            tls.key = self.0.join("tls.key");
            Live::fixed(config)
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn unasked() -> mpsc::Receiver<()> {
        mpsc::channel(1).1
    }

    fn log(page: &Page) -> Log {
        Log::to(page.clone(), Arc::new(crate::clock::SystemClock), Arc::new(Metrics::new()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_certificate_is_taken_and_one_that_does_not_hold_is_refused() {
        let files = Files::new("changed");
        files.draw("one.example");
        let page = Page::default();
        let log = log(&page);
        let certificate = Certificate::of(&files.config(), unasked(), &log).unwrap().unwrap();
        let in_force = || Arc::as_ptr(&certificate.0.now());
        let look = || tokio::time::sleep(3 * EVERY);
        let first = in_force();
        look().await;
        assert_eq!(in_force(), first);

        files.draw("two-which-is-longer.example");
        look().await;
        let second = in_force();
        assert_ne!(second, first);

        std::fs::write(files.0.join("tls.crt"), "half a certifi").unwrap();
        look().await;
        look().await;
        assert_eq!(in_force(), second);
        log.flush(Duration::from_secs(5));
        let events: Vec<_> =
            page.text().lines().map(|line| line.split('"').nth(11).unwrap().to_owned()).collect();
        assert_eq!(events, ["certificate taken", "certificate refused"]);
    }

    #[tokio::test]
    async fn what_does_not_serve_is_told_with_its_file() {
        let files = Files::new("wrong");
        let page = Page::default();
        let why = || {
            Certificate::of(&files.config(), unasked(), &log(&page))
                .unwrap_err()
                .replace(files.0.to_str().unwrap(), "DIR")
        };
        insta::assert_snapshot!(why(), @"DIR/tls.crt: No such file or directory (os error 2)");
        files.draw("one.example");
        let key = std::fs::read(files.0.join("tls.key")).unwrap();
        files.draw("other.example");
        std::fs::write(files.0.join("tls.key"), key).unwrap();
        insta::assert_snapshot!(why(), @"DIR/tls.crt and DIR/tls.key do not serve together: keys may not be consistent: KeyMismatch");
        std::fs::write(files.0.join("tls.key"), "").unwrap();
        insta::assert_snapshot!(why(), @"DIR/tls.key: no items found");
        std::fs::write(files.0.join("tls.crt"), "").unwrap();
        insta::assert_snapshot!(why(), @"DIR/tls.crt: holds no certificate in PEM");
    }
}
