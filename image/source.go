package image

// source is where an image's bytes come from.
type source interface{}
