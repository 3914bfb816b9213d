//! From functions in Cranelift's form to memory that can be run, and the one call into it.
#![expect(
    unsafe_code,
    reason = "calling and freeing machine code is for the author of the code to make safe"
)]

use std::mem::ManuallyDrop;
use std::sync::{Arc, Mutex};

use cranelift_codegen::ir::{AbiParam, Signature, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Module, ModuleError, default_libcall_names};

use super::emit;
use super::shims::{Asked, Context};
use crate::index::Cell;
use crate::interp::run::Run;
use crate::matcher::Refused;
use crate::program::code::{Code, Goal};

/// Compiled code, and the memory it lies in.
#[derive(Debug)]
pub(super) struct Block {
    enter: unsafe extern "C" fn(*mut Context) -> u64,
    /// Kept, because `enter` points into it.
    _memory: Arc<Memory>,
}

/// The mapping of everything that was compiled together. It is freed with the last block.
struct Memory(ManuallyDrop<Mutex<JITModule>>);

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: it is taken once, here, and not used afterwards.
        let module = unsafe { ManuallyDrop::take(&mut self.0) };
        let module = module.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        // SAFETY: every block that points into this memory held it, and a running block is borrowed by whoever runs it;
        // so none runs now and none can any more.
        unsafe { module.free_memory() };
    }
}

impl Block {
    /// Runs it. `None` where the interpreter has to say.
    #[inline]
    pub(super) fn run(&self, run: &Run<'_>, cell: &Cell, host: u32) -> Option<Goal> {
        let mut asked = Asked::new(run, cell, host);
        // SAFETY: `emit` made this function for this code, with this signature; it reads the context, with which `Asked`
        // begins, at the offsets that `shims` takes from its type, and of texts no byte outside their lengths. The memory
        // is held by `self`.
        let answer = unsafe { (self.enter)((&raw mut asked).cast()) };
        asked.settle();
        emit::goal(answer)
    }
}

/// A block for each of these, all in one mapping, and the bytes that they take.
pub(super) fn blocks(codes: &[&Arc<Code>]) -> Result<(Vec<Block>, usize), Refused> {
    let mut module = module()?;
    let mut builder = FunctionBuilderContext::new();
    let mut made: Vec<FuncId> = Vec::with_capacity(codes.len());
    let mut bytes = 0;
    for code in codes {
        let mut context = module.make_context();
        context.func.signature = signature(&module);
        emit::emit(code, &mut context.func, &mut builder, module.target_config());
        let declared = module.declare_anonymous_function(&context.func.signature);
        let id = declared.map_err(refused)?;
        module.define_function(id, &mut context).map_err(refused)?;
        bytes += context.compiled_code().map_or(0, |code| code.code_buffer().len());
        made.push(id);
    }
    module.finalize_definitions().map_err(refused)?;
    let starts: Vec<*const u8> =
        made.into_iter().map(|id| module.get_finalized_function(id)).collect();
    let memory = Arc::new(Memory(ManuallyDrop::new(Mutex::new(module))));
    let block = |start: *const u8| Block {
        // SAFETY: it is the start of a function that was compiled with this signature for this machine.
        enter: unsafe {
            std::mem::transmute::<*const u8, unsafe extern "C" fn(*mut Context) -> u64>(start)
        },
        _memory: memory.clone(),
    };
    Ok((starts.into_iter().map(block).collect(), bytes))
}

/// The instructions for some code, as an assembler would write them.
pub(super) fn listing(code: &Code) -> Result<String, Refused> {
    let module = module()?;
    let mut builder = FunctionBuilderContext::new();
    let mut context = module.make_context();
    context.func.signature = signature(&module);
    emit::emit(code, &mut context.func, &mut builder, module.target_config());
    context.set_disasm(true);
    let compiled = context
        .compile(module.isa(), &mut Default::default())
        .map_err(|error| Refused(error.inner.to_string()))?;
    Ok(compiled.vcode.clone().unwrap_or_default())
}

fn module() -> Result<JITModule, Refused> {
    let flags = [("opt_level", "none"), ("enable_verifier", "false"), ("unwind_info", "false")];
    let builder = JITBuilder::with_flags(&flags, default_libcall_names()).map_err(refused)?;
    Ok(JITModule::new(builder))
}

fn signature(module: &JITModule) -> Signature {
    let mut signature = Signature::new(CallConv::triple_default(module.isa().triple()));
    signature.params.push(AbiParam::new(module.target_config().pointer_type()));
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

fn refused(error: ModuleError) -> Refused {
    Refused(error.to_string())
}
