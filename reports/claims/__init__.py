"""What records say of a paper's claims."""
