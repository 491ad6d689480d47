"""Input layouts: class folders, YOLO boxes, Sign-MNIST tables, labels in file names."""
