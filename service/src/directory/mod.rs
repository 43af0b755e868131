//! The directory, `authd directory`: accounts, sessions and lockouts over HTTP, for fronts alone.
