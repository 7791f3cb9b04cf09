"""Events while processes and servers die."""
