//! Proves who somebody is, by login and password, and issues tokens.
//!
//! What a refusal costs and says does not depend on why: an unknown login, a wrong password, a locked
//! account and a hash of an older scheme all ask the directory the same, compute a hash, and answer the
//! same at the same multiple of `passwords.refusal_step`. A success makes one call to the directory;
//! only after failures it makes a second one, which forgets them.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::body;
use super::directory::{Directory, Fault};
use super::refusal::Refusal;
use super::visit::{Visit, unkept};
use crate::account::{Account, DeviceId, Login, SessionId};
use crate::api;
use crate::clock::Timestamp;
use crate::hash::Hasher;
use crate::metrics::LoginResult;
use crate::session::Presented;

/// Who somebody says to be, and the proof.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    pub(super) login: String,
    pub(super) password: String,
    /// Shows that the device has signed in before. One that does not hold is as good as none.
    #[serde(default)]
    pub(super) device_token: Option<String>,
}

/// Somebody whose password was right.
pub(super) struct Proven {
    pub(super) account: Account,
    /// The device, where it is known.
    device: Option<DeviceId>,
    /// Whether the hash should be replaced.
    outdated: bool,
}

/// The token response of RFC 6749, section 5.1.
#[derive(Serialize)]
pub(super) struct Issued {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    refresh_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

/// `POST /login`.
pub(super) async fn login(mut visit: Visit, request: Request) -> Response {
    let outcome = match body::json(request).await {
        Ok(credentials) => visit.counted(credentials).await,
        Err(refusal) => Err(refusal),
    };
    visit.answer(outcome)
}

/// `POST /token`: RFC 6749, sections 4.3 and 6.
pub(super) async fn token(mut visit: Visit, request: Request) -> Response {
    let outcome = visit.granted(request).await.map_err(Refusal::at_token_endpoint);
    visit.answer(outcome)
}

impl Visit {
    /// The grants of the token endpoint.
    async fn granted(&mut self, request: Request) -> Result<Response, Refusal> {
        let form = body::form(request).await?;
        match form.need("grant_type")? {
            "password" => {
                let credentials = Credentials {
                    login: form.need("username")?.to_owned(),
                    password: form.need("password")?.to_owned(),
                    device_token: form.get("device_token").map(str::to_owned),
                };
                self.counted(credentials).await
            }
            "refresh_token" => self.refreshed(form.need("refresh_token")?).await,
            _ => Err(Refusal::grant_type()),
        }
    }

    /// A sign-in, counted by how it ends.
    async fn counted(&mut self, credentials: Credentials) -> Result<Response, Refusal> {
        let attempt = self.attempt();
        let outcome = self.signed_in(credentials).await;
        attempt.end(match &outcome {
            Ok(_) => Some(LoginResult::Ok),
            Err(refusal) => refusal.result,
        });
        outcome
    }

    async fn signed_in(&mut self, credentials: Credentials) -> Result<Response, Refusal> {
        let Credentials { login, password, device_token } = credentials;
        let login = self.admitted(&login)?;
        let proven = self.proven(login, password.clone(), device_token.as_deref()).await?;
        if proven.outdated {
            let hasher = self.front.hasher.clone();
            tokio::spawn(rehash(hasher, self.directory.clone(), proven.account.clone(), password));
        }
        self.reason = Some(LoginResult::Ok.as_str());
        Ok(unkept(StatusCode::OK, self.session(&proven)))
    }

    /// Proves credentials, or refuses them after equal work and at an equal time. The request has been
    /// admitted.
    pub(super) async fn proven(
        &mut self,
        login: Login,
        password: String,
        device_token: Option<&str>,
    ) -> Result<Proven, Refusal> {
        let (found, device) = self.found(&login, device_token).await?;
        let stored = found.account.as_ref().map(|account| account.hash.clone());
        let verdict = self.front.hasher.verify(password, stored).await?;
        if let Some(unread) = verdict.unread {
            self.front.metrics.hash_unread(unread);
        }
        let attempt = api::Attempt { login, device };
        match found.account {
            Some(account) if verdict.matches && !found.locked => {
                if found.failures {
                    // The password was right: that failures are not forgotten yet refuses nobody.
                    let _: Result<_, Fault> = self.directory.cleared(&attempt).await;
                }
                Ok(Proven { account, device, outdated: verdict.outdated })
            }
            _ => {
                self.directory.failed(&attempt).await?;
                self.until_step().await;
                Err(Refusal::credentials(found.locked, verdict.unread))
            }
        }
    }

    /// The account of a login and whether it is locked, for a device that is known to it or for a
    /// stranger. A token of another account's device proves nothing here: whoever has an account could
    /// else count his guesses at others apart, for ever.
    async fn found(
        &mut self,
        login: &Login,
        device_token: Option<&str>,
    ) -> Result<(api::Found, Option<DeviceId>), Refusal> {
        let now = self.now();
        if let Some((owner, device)) =
            device_token.and_then(|token| self.tokens.verify_device(token, now).ok())
        {
            let found = self.lookup(login, Some(device)).await?;
            if found.account.as_ref().is_some_and(|account| account.id == owner) {
                return Ok((found, Some(device)));
            }
        }
        Ok((self.lookup(login, None).await?, None))
    }

    async fn lookup(&mut self, login: &Login, device: Option<DeviceId>) -> Result<api::Found, Fault> {
        self.directory.lookup(&api::Lookup { login: login.clone(), device }).await
    }

    /// The tokens of a new session. Nothing is written: see `session`.
    fn session(&self, proven: &Proven) -> Issued {
        let now = self.now();
        let account = proven.account.id;
        let presented = Presented {
            session: SessionId(self.front.entropy.id()),
            account,
            epoch: proven.account.epoch,
            generation: 0,
            expires: now.after(self.config.tokens.refresh_ttl.get()),
        };
        let device = proven.device.unwrap_or_else(|| DeviceId(self.front.entropy.id()));
        let device_token = self.tokens.device(account, device, now);
        Issued { device_token: Some(device_token), ..self.issued(presented, now) }
    }

    /// A refresh token made at some time, and an access token of now.
    pub(super) fn issued(&self, presented: Presented, made: Timestamp) -> Issued {
        let now = self.now();
        Issued {
            access_token: self.tokens.access(&presented, now),
            token_type: "Bearer",
            expires_in: self.tokens.access_end(&presented, now).since(now).as_secs(),
            refresh_token: self.tokens.refresh(presented, made),
            device_token: None,
        }
    }
}

/// Replaces the hash of an older scheme, or of other parameters, by one as it is written today. Nobody
/// waits for it, and where it fails the next sign-in tries again.
async fn rehash(hasher: Hasher, mut directory: Directory, account: Account, password: String) {
    if let Ok(new) = hasher.hash(password).await {
        let change = api::SetHash { account: account.id, old: account.hash, new, changed: false };
        let _: Result<_, Fault> = directory.set_hash(&change).await;
    }
}
