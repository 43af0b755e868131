//! Bad tokens of every kind, and good ones.
