/* Makes the linker take these functions from the C library.
 *
 * A Rust static library brings weak ones of its own, written for size: a byte a turn. The linker
 * takes a function from the first library on its command line that has it when somebody already
 * asks for it. This file asks, and the C library stands before the Rust one. Nothing refers to the
 * table, so that --gc-sections removes it, and each function that the firmware does not call. */

#include <string.h>
#include <strings.h>

void __aeabi_memcpy(void *, const void *, size_t);
void __aeabi_memcpy4(void *, const void *, size_t);
void __aeabi_memcpy8(void *, const void *, size_t);
void __aeabi_memmove(void *, const void *, size_t);
void __aeabi_memmove4(void *, const void *, size_t);
void __aeabi_memmove8(void *, const void *, size_t);
void __aeabi_memset(void *, size_t, int);
void __aeabi_memset4(void *, size_t, int);
void __aeabi_memset8(void *, size_t, int);
void __aeabi_memclr(void *, size_t);
void __aeabi_memclr4(void *, size_t);
void __aeabi_memclr8(void *, size_t);

typedef void function(void);

extern function *const c_library_first[];

function *const c_library_first[] = {
    (function *)memcpy,          (function *)memmove,          (function *)memset,
    (function *)memcmp,          (function *)bcmp,
    (function *)__aeabi_memcpy,  (function *)__aeabi_memcpy4,  (function *)__aeabi_memcpy8,
    (function *)__aeabi_memmove, (function *)__aeabi_memmove4, (function *)__aeabi_memmove8,
    (function *)__aeabi_memset,  (function *)__aeabi_memset4,  (function *)__aeabi_memset8,
    (function *)__aeabi_memclr,  (function *)__aeabi_memclr4,  (function *)__aeabi_memclr8,
};
