import os
import time


def test_x(cloud, alice):
    print(cloud.url("tenant"), cloud.folder, cloud.cpu_seconds())
    while not os.path.exists("/tmp/stop-town"):
        time.sleep(1)
