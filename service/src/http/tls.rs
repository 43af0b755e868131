//! TLS of both sides: the certificate of a server, taken anew when its files change, and the roots
//! that a caller believes.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::Reached;
use super::log::{Level, Log};
use crate::config::front::TlsConfig;
use crate::config::live::Live;

/// How often the files are looked at. A certificate is replaced days before it ends.
const LOOK: Duration = Duration::from_secs(10);

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
        .map_err(|error| format!("{} does not serve: {error}", named(&tls.certificate.display())))?;
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

/// A server's certificate and key in force.
#[derive(Debug)]
pub struct Certificate {
    current: watch::Receiver<Arc<ServerConfig>>,
    looking: JoinHandle<()>,
}

impl Drop for Certificate {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

impl Certificate {
    /// Reads certificate and key where the configuration names them, and goes on looking whether the
    /// files changed or others are named. What does not hold then is refused and said, and the one
    /// before stays. Whether TLS is spoken at all is decided here, for good.
    ///
    /// # Errors
    ///
    /// Says which file is not what it should be.
    pub fn of<C: Reached>(config: &Live<C>, log: &Log) -> Result<Option<Self>, String> {
        let Some(tls) = config.now().server().tls.clone() else { return Ok(None) };
        let seen = stamp(&tls);
        let (sender, current) = watch::channel(Arc::new(server(&tls)?));
        let looking = tokio::spawn(look(config.clone(), log.clone(), seen, sender));
        Ok(Some(Self { current, looking }))
    }

    /// What takes the next handshake.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.borrow().clone())
    }
}

/// What tells that a pair of files is another one: names, times of change and lengths.
type Stamp = (TlsConfigNames, [Option<(SystemTime, u64)>; 2]);
type TlsConfigNames = [std::path::PathBuf; 2];

fn stamp(tls: &TlsConfig) -> Stamp {
    let of = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    ([tls.certificate.clone(), tls.key.clone()], [of(&tls.certificate), of(&tls.key)])
}

async fn look<C: Reached>(
    config: Live<C>,
    log: Log,
    mut seen: Stamp,
    sender: watch::Sender<Arc<ServerConfig>>,
) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(tls) = config.now().server().tls.clone() else { continue };
        let now = stamp(&tls);
        if now == seen {
            continue;
        }
        seen = now;
        match server(&tls) {
            Ok(taken) => {
                let _ = sender.send(Arc::new(taken));
                log.event(Level::Info, "certificate taken", &tls.certificate.display().to_string());
            }
            Err(why) => log.event(Level::Error, "certificate refused", &why),
        }
    }
}
