"""What files of networks that were never trained say about themselves."""

import json

GENDER = {
    'task': 'gender',
    'labels': json.dumps(['female', 'male']),
    'color': 'rgb',
    'input_size': '48',
    'crop_margin': '0.1',
    'architecture': 'mini_xception',
    'training': '{"data_sets": {}}',
}
