# What a linker map says is in the image, one line each:
#   section NAME BYTES FILE      an input section that was kept; FILE is an object or archive(member)
#   symbol NAME FILE             a global symbol in it

function number(hex,    value, at) {
    value = 0
    hex = tolower(substr(hex, 3))
    for (at = 1; at <= length(hex); at++)
        value = value * 16 + index("0123456789abcdef", substr(hex, at, 1)) - 1
    return value
}

function section(name, size, file) {
    current = file
    if (number(size) > 0)
        print "section", name, number(size), file
}

/^Linker script and memory map/ { inside = 1 }
/^Cross Reference Table/ { inside = 0 }
!inside { next }

# A long name has its line for itself.
/^ [._a-zA-Z][^ ]*$/ { long_name = $1; next }
/^ [._a-zA-Z][^ ]* +0x[0-9a-f]+ +0x[0-9a-f]+ [^ ]/ { section($1, $3, $4); next }
/^ +0x[0-9a-f]+ +0x[0-9a-f]+ [^ ]/ && long_name != "" { section(long_name, $2, $3); long_name = ""; next }
/^ +0x[0-9a-f]+ +[_a-zA-Z][_a-zA-Z0-9.$]*$/ && current != "" { print "symbol", $2, current }
{ long_name = "" }
