// The precompiled header of the tests needs one source file to be compiled with: this one.
