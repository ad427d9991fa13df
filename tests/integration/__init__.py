"""The parts from inside, against a real MongoDB: a folder for each noun and each subject."""
