//! Passes the linker what an addon needs: symbols that the host process resolves at load time.

fn main() {
    napi_build::setup();
}
