"""Values of many nouns: texts, money, instants, ids, codes, and how they are read and shown."""
