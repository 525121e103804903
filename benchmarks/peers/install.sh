#!/bin/sh
# The peers, each in an environment of its own under $1 (default: build/peers), with pinned versions.
# RecBole 1.2.1 installs but imports only beside numpy < 2, scipy < 1.12 and setuptools < 81.
set -e
into=${1:-build/peers}
python=${PYTHON:-python3}
mkdir -p "$into"
"$python" -m venv "$into/recbole"
"$into/recbole/bin/pip" install -q 'setuptools<81' torch==2.13.0 numpy==1.26.4 scipy==1.11.4 \
    pandas==2.2.3 ray==2.6.3 recbole==1.2.1
"$python" -m venv "$into/compiled"
"$into/compiled/bin/pip" install -q implicit==0.7.3 cornac==3.0.1
"$python" -m venv "$into/lenskit"
"$into/lenskit/bin/pip" install -q torch==2.13.0 lenskit==2025.8.1
