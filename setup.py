"""The one step that pyproject.toml cannot describe: a wheel carries the weights that lie beside the packages.

A checkout, an editable install and the container use ``model_weights/`` and ``bundles/`` where they lie;
``hnseg_infer/installed.py`` finds both.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

WEIGHTS = ("model_weights", "bundles")


class BuildWithWeights(build_py):
    """Copies the folders of weights into the package ``hnseg_infer``."""

    def run(self) -> None:
        """Build afresh: what an earlier build left would come along."""
        if self.editable_mode:
            super().run()
            return
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        for folder in WEIGHTS:
            shutil.copytree(folder, Path(self.build_lib, "hnseg_infer", "weights", folder))


setup(cmdclass={"build_py": BuildWithWeights})
