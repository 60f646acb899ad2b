"""A package, so that no other one named tests is found instead (pgx installs one)."""
