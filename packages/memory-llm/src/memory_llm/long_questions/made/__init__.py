"""Questions of RULER's kinds, made offline from any book: values of keys, and words that occur most often."""
