"""HNSeg training: labelled CTs in, a model bundle out. Imports hnseg_infer, never the other way round."""
