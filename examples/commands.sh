# shellcheck shell=bash
# What the examples' commands share: they source it.

missing=0

# lacks WHAT HOW: says what is missing, and how to get it.
lacks() {
    echo "run: $1 is missing; $2" >&2
    missing=1
}

# need PROGRAM HOW
need() {
    command -v "$1" >/dev/null || lacks "$1" "$2"
}

need_rust() {
    need cargo "install Rust by https://rustup.rs"
}

# The compiler for a Cortex-M4 and its C library, and the emulator.
need_cortex_m4() {
    need arm-none-eabi-gcc "apt-get install gcc-arm-none-eabi"
    need qemu-system-arm "apt-get install qemu-system-arm"
    if command -v arm-none-eabi-gcc >/dev/null && [ ! -f "$(arm-none-eabi-gcc -print-file-name=libc.a)" ]; then
        lacks "newlib, the C library of arm-none-eabi-gcc," "apt-get install libnewlib-arm-none-eabi"
    fi
}

# Ends the command if anything is missing.
have_all() {
    [ $missing -eq 0 ] || exit 1
}

# quietly LOG COMMAND...: prints what it says only if it fails, and ends with it.
quietly() {
    if ! "${@:2}" >"$1" 2>&1; then
        cat "$1" >&2
        echo "run: failed: ${*:2}" >&2
        exit 1
    fi
}
