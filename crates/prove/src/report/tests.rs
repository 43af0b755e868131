//! What a proof is told as: the line to paste, the share that was predicted, and what stays unproved.
