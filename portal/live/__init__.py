"""What pages learn of changes: the database says what changed, a pulse passes it on to browsers."""
