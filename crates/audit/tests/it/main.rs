//! Audits from text to text, in memory.

mod rule_pages;
