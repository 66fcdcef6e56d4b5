//! What well-known base images set: a shipped, dated table.

/// The day on which the table was checked against the images' published Dockerfiles.
pub const TABLE_DATE: &str = "2026-11-01";
