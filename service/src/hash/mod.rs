//! Password hashes: argon2id for what is new; bcrypt and PBKDF2-HMAC-SHA256 are verified where they
//! were brought along, and replaced at the next sign-in. A bounded number is computed at a time, and a
//! bounded number waits (`queue`); passwords known from breaches are refused (`breached`).
