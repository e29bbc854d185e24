"""From icons to images: colours, scenes, the images of the demo."""
