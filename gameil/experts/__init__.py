"""Who labels: slow but strong judges of positions, for DAgger and its relatives."""
