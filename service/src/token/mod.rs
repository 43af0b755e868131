//! Tokens: JSON Web Tokens (RFC 7519) in compact serialization (RFC 7515), signed with Ed25519
//! (RFC 8037); the keys that sign and verify them, and their publication as a JWK set (RFC 7517).
