"""One file a version, in order. A version that has been released is never edited."""
