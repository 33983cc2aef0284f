"""Files and pages from outside become documents: read, cut into passages, checked, never half taken."""
