//! TLS of a client: whom it trusts, and which name the other side must show.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use watch::plan::Access;

use crate::access::Reread;

/// The largest file of certificates, in bytes. The bundle of all public authorities has about 230 KiB.
const LARGEST_BUNDLE: u64 = 4 * 1024 * 1024;

/// The machine's trust anchors, read when the first connection needs them.
#[derive(Default)]
pub(super) struct Machine(OnceLock<Result<Arc<ClientConfig>, String>>);

impl Machine {
    fn config(&self) -> Result<Arc<ClientConfig>, String> {
        self.0.get_or_init(|| roots_of_the_machine().and_then(trusting)).clone()
    }
}

fn roots_of_the_machine() -> Result<RootCertStore, String> {
    let read = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Bundles hold certificates that are too old or odd for rustls; the others count.
    let _ = roots.add_parsable_certificates(read.certs);
    if roots.is_empty() {
        let why = read.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(format!("this machine trusts no certificate (name a file of them as `ca`){why}"));
    }
    Ok(roots)
}

fn roots_of_file(bytes: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bytes) {
        let certificate = certificate.map_err(|error| format!("is no PEM: {error}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("holds a certificate that cannot be used: {error}"))?;
    }
    if roots.is_empty() { Err("holds no certificate".to_owned()) } else { Ok(roots) }
}

fn trusting(roots: RootCertStore) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What a client knows of TLS.
pub(super) struct Tls {
    ca: Option<Reread<Arc<ClientConfig>>>,
    server_name: Option<String>,
}

impl Tls {
    pub(super) fn of(access: &Access, base: &Path) -> Self {
        let ca = access.ca.as_ref().map(|file| Reread::new(base.join(file), LARGEST_BUNDLE));
        Self { ca, server_name: access.server_name.clone() }
    }

    /// What makes a connection, and the name that the other side must show.
    ///
    /// # Errors
    ///
    /// Says what is wrong on our side: files, names.
    pub(super) fn connector(
        &self,
        machine: &Machine,
        host: &str,
    ) -> Result<(TlsConnector, ServerName<'static>), String> {
        let config = match &self.ca {
            Some(file) => Arc::clone(&*file.get(|bytes| roots_of_file(&bytes).and_then(trusting))?),
            None => machine.config()?,
        };
        let name = self.server_name.as_deref().unwrap_or(host);
        let shown = ServerName::try_from(name.to_owned())
            .map_err(|_| format!("{name:?} is no name that a certificate can show"))?;
        Ok((TlsConnector::from(config), shown))
    }
}
