# Sourced by scripts/run and scripts/test: what a fresh Debian machine needs before the build.
# Shell functions only; nothing happens when this file is read.

# The build's own system packages.
build_packages=(libffi-dev libsqlite3-dev libyaml-dev pkg-config gcc libc6-dev make python3)
# What only some tests need. They skip, and say so, where it is missing.
test_packages=(cargo binutils g++ curl openssl iproute2 python3-venv)
# The back ends that the tests of providers start. Those tests want to be root, and nobody else is
# given daemons.
backend_packages=(busybox-static docker.io podman runc slurm-wlm slurmrestd slurm-client munge)
# What the clouds are played with, and watched by clients that are not ours.
python_modules=(moto boto3 werkzeug googleapiclient google.oauth2 cryptography)
python_packages=('moto[server]' boto3 werkzeug google-api-python-client google-auth cryptography)
# What npy and Arrow files are compared with.
data_modules=(numpy pyarrow)

# True if a Debian package is installed.
has_package() {
    # Not through a pipe: grep -q would end dpkg while it still writes.
    [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# True if the command that a package stands for is there already, however it was installed.
has_command_of() {
    case $1 in
        gcc | g++ | make | python3 | cargo | curl | openssl) command -v "$1" >/dev/null 2>&1 ;;
        *) false ;;
    esac
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# install_missing required|optional PACKAGE...: asks apt for what is not there, and for nothing else.
# A package that is optional and cannot be installed is a line on stderr.
install_missing() {
    local kind=$1 missing=() package
    shift
    for package in "$@"; do
        has_package "$package" || has_command_of "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "Installing system packages: ${missing[*]}" >&2
    if command -v apt-get >/dev/null 2>&1 && as_root apt-get update -qq >&2 \
        && as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2; then
        return 0
    fi
    if [ "$kind" = optional ]; then
        echo "Not installed: ${missing[*]}. The tests that need them will be skipped." >&2
        return 0
    fi
    echo "error: wanted the packages ${missing[*]}, apt-get could not install them;" \
        "install them by hand and start again" >&2
    return 1
}

# test_python FOLDER: names a Python that has the modules in FANFOLD_TEST_PYTHON, unless somebody
# did; one of its own in FOLDER if python3 lacks some.
test_python() {
    local imports="import importlib, sys; [importlib.import_module(m) for m in sys.argv[1:]]"
    [ -z "${FANFOLD_TEST_PYTHON:-}" ] || return 0
    export FANFOLD_TEST_PYTHON=python3
    python3 -c "$imports" "${python_modules[@]}" "${data_modules[@]}" 2>/dev/null && return 0
    if ! python3 -m venv --system-site-packages "$1" >&2; then
        echo "Not installed: ${python_packages[*]} ${data_modules[*]}." \
            "The tests that need them will be skipped." >&2
        return 0
    fi
    export FANFOLD_TEST_PYTHON=$1/bin/python
    # Each group for itself: one that there is not for this machine takes the other with it otherwise.
    pip_install "$1" "${python_packages[@]}"
    pip_install "$1" "${data_modules[@]}"
}

# pip_install FOLDER PACKAGE...: into a Python of its own; what cannot be had is a line on stderr.
pip_install() {
    local folder=$1
    shift
    "$folder/bin/pip" install -q --disable-pip-version-check "$@" >&2 \
        || echo "Not installed: $*. The tests that need them will be skipped." >&2
}

# The Swift toolchain is not Debian's: say where it comes from.
need_swift() {
    command -v swift >/dev/null 2>&1 && return 0
    echo "error: wanted swift 6.3 or newer in PATH, found none;" \
        "see https://www.swift.org/install/linux/" >&2
    return 1
}
