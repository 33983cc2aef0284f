"""What several test folders share. No tests in here."""
