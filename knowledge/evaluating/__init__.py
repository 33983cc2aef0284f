"""How good the answers are: questions whose right entries are known, asked and counted."""
