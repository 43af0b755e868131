//! Makes accounts and changes passwords, and says what a new password must be like.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::body;
use super::refusal::Refusal;
use super::visit::{UNKEPT, Visit, unkept};
use crate::account::{AccountId, Login};
use crate::api;
use crate::config::front::PasswordsConfig;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    login: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    login: String,
    old_password: String,
    new_password: String,
    #[serde(default)]
    device_token: Option<String>,
}

/// `POST /register`. A login that is taken is a 409. The OWASP Authentication Cheat Sheet asks for the
/// same answer as for a free one, with the truth sent by mail; here an account can be used at once, so
/// that whoever is told "made" only needs to sign in to learn whether it was, and a person would be
/// left with a password that does not work. What the answer tells is made slow instead: every request
/// takes from its address's bucket and computes a hash.
pub(super) async fn register(mut visit: Visit, request: Request) -> Response {
    let outcome = visit.registered(request).await;
    visit.answer(outcome)
}

/// `POST /password`. The old password is asked for even of somebody with an access token, as the OWASP
/// Authentication Cheat Sheet has it: a token that was stolen must not take the account. It can be
/// guessed here as at a sign-in, so a refusal counts, takes time and reads as there. Afterwards all
/// tokens issued before are void.
pub(super) async fn password(mut visit: Visit, request: Request) -> Response {
    let outcome = visit.password_changed(request).await;
    visit.answer(outcome)
}

impl Visit {
    async fn registered(&mut self, request: Request) -> Result<Response, Refusal> {
        let NewAccount { login, password } = body::json(request).await?;
        let login = self.admitted(&login)?;
        self.accepts(&login, &password).await?;
        let hash = self.front.hasher.hash(password).await?;
        let id = AccountId(self.front.entropy.id());
        let made = self.directory.register(&api::Register { id, login, hash }).await?;
        let registered = made.ok_or_else(Refusal::taken)?;
        self.reason = Some("registered");
        Ok(unkept(StatusCode::CREATED, registered))
    }

    async fn password_changed(&mut self, request: Request) -> Result<Response, Refusal> {
        let NewPassword { login, old_password, new_password, device_token } = body::json(request).await?;
        let login = self.admitted(&login)?;
        self.accepts(&login, &new_password).await?;
        let proven = self.proven(login, old_password, device_token.as_deref()).await?;
        let new = self.front.hasher.hash(new_password).await?;
        let account = proven.account;
        let change = api::SetHash { account: account.id, old: account.hash, new, changed: true };
        self.directory.set_hash(&change).await?.ok_or_else(Refusal::changed)?;
        self.reason = Some("password_changed");
        Ok((StatusCode::NO_CONTENT, UNKEPT).into_response())
    }

    /// Checks a new password. A list of breached ones that cannot be read lets none pass: an outage of
    /// registration is seen and mended, passwords that were let through are not. Sign-ins do not read it.
    async fn accepts(&self, login: &Login, password: &str) -> Result<(), Refusal> {
        judge(&self.config.passwords, login, password)?;
        if self.front.breached.is_none() {
            return Ok(());
        }
        let (front, password) = (self.front.clone(), password.to_owned());
        let read = move || front.breached.as_ref().map_or(Ok(false), |list| list.contains(&password));
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(false)) => Ok(()),
            Ok(Ok(true)) => Err(Refusal::password("the password is known from a breach; choose another one")),
            Ok(Err(_)) | Err(_) => Err(Refusal::unread_list()),
        }
    }
}

/// What a password must be like by itself: long enough, and not the login. There are no rules of
/// composition (NIST SP 800-63B-4, section 3.1.1.2).
fn judge(config: &PasswordsConfig, login: &Login, password: &str) -> Result<(), Refusal> {
    let (least, most) = (config.min_length, config.max_bytes);
    let is = |number: usize, limit: u32| u64::try_from(number).unwrap_or(u64::MAX).cmp(&u64::from(limit));
    if is(password.chars().count(), least).is_lt() {
        return Err(Refusal::password(format!("a password has {least} characters at least")));
    }
    if is(password.len(), most).is_gt() {
        return Err(Refusal::password(format!("a password has {most} bytes at most")));
    }
    if password.eq_ignore_ascii_case(login.as_str()) {
        return Err(Refusal::password("the password is the login; choose another one"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(password: &str) -> Option<String> {
        let config = PasswordsConfig { min_length: 8, max_bytes: 24, ..PasswordsConfig::default() };
        let login = "ana@x.example".parse().unwrap();
        judge(&config, &login, password).err().map(|refusal| refusal.problem.description.into_owned())
    }

    #[test]
    fn a_password_is_measured_in_characters_below_and_in_bytes_above() {
        assert_eq!(said("ééééééé").as_deref(), Some("a password has 8 characters at least"));
        assert_eq!(said("éééééééé"), None);
        assert_eq!(said("ééééééééééééé").as_deref(), Some("a password has 24 bytes at most"));
        assert_eq!(said("        "), None);
    }

    #[test]
    fn a_login_is_no_password() {
        assert_eq!(said("Ana@x.example").as_deref(), Some("the password is the login; choose another one"));
    }
}
