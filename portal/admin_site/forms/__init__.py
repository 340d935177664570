"""The shape of what operators type. Rules are the actions' business."""
