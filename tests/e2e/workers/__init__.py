"""Several processes over one database: they race, and they are killed."""
