//! The front, `authd serve`: verifies passwords, issues, refreshes and revokes tokens. Keeps nothing
//! that another replica would miss; what lasts is in the directory.
