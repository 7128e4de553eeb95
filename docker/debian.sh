# What the parts' install scripts share: they `source` this.

# Ends with what to install where this script may not do it by itself.
ask_or_be_root_on_debian() { # what is missing, and what to do
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: $1 $2, then try again." >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
}

install_packages() {
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
