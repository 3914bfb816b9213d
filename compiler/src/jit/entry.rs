//! From functions in Cranelift's form to memory that can be run, and the one call into it.
#![expect(
    unsafe_code,
    reason = "calling and freeing machine code is for the author of the code to make safe"
)]

use std::mem::ManuallyDrop;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use cranelift_codegen::ir::{AbiParam, Signature, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Module, ModuleError, default_libcall_names};

use super::plan::Plan;
use super::shims::{Asked, Context};
use super::{Said, emit, shims};
use crate::frame::Ask;
use crate::index::Scope;
use crate::interp::Bound;
use crate::matcher::Refused;

/// Compiled code, and the memory it lies in.
#[derive(Debug)]
pub(super) struct Block {
    enter: unsafe extern "C" fn(*mut Context) -> u64,
    /// Whether it asks for the client's address.
    asks_client: bool,
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
    /// The client, if that is no address of IPv4; `None` if it is asked for and not in the head. Apart, so that for most
    /// nothing of this is computed.
    #[cold]
    #[inline(never)]
    fn other_client(&self, client: Option<IpAddr>) -> Option<u64> {
        (client.is_some() || !self.asks_client).then_some(shims::NO_V4)
    }

    /// Runs it.
    #[inline(always)]
    pub(super) fn run(&self, bound: &Bound, ask: &Ask<'_>, scope: Scope<'_>) -> Said {
        let client = match ask.head.client {
            Some(IpAddr::V4(address)) => u64::from(address.to_bits()),
            other => match self.other_client(other) {
                Some(client) => client,
                None => return Said::Nothing,
            },
        };
        let mut asked = Asked::new(bound, ask, scope, client);
        // SAFETY: `emit` made this function for these cells, with this signature; it reads the context, with which `Asked`
        // begins, at the offsets that `shims` takes from its type, and of texts no byte outside their lengths. The memory
        // is held by `self`.
        let answer = unsafe { (self.enter)((&raw mut asked).cast()) };
        match answer {
            emit::LEAVE => asked.leaves(),
            emit::BAIL => shims::given_up(),
            number => Said::Takes(number as u32),
        }
    }
}

/// A block for each of these, all in one mapping, and the bytes that they take.
pub(super) fn blocks(plans: &[Plan<'_>]) -> Result<(Vec<Block>, usize), Refused> {
    let mut module = module()?;
    let mut builder = FunctionBuilderContext::new();
    let mut made: Vec<FuncId> = Vec::with_capacity(plans.len());
    let mut bytes = 0;
    for plan in plans {
        let mut context = module.make_context();
        context.func.signature = signature(&module);
        emit::emit(plan, &mut context.func, &mut builder, module.target_config());
        let declared = module.declare_anonymous_function(&context.func.signature);
        let id = declared.map_err(refused)?;
        module.define_function(id, &mut context).map_err(refused)?;
        bytes += context.compiled_code().map_or(0, |code| code.code_buffer().len());
        made.push(id);
    }
    module.finalize_definitions().map_err(refused)?;
    let starts: Vec<*const u8> =
        made.into_iter().map(|id| module.get_finalized_function(id)).collect();
    let asks_client = plans.iter().map(emit::asks_client);
    let memory = Arc::new(Memory(ManuallyDrop::new(Mutex::new(module))));
    let block = |(start, asks_client): (*const u8, bool)| Block {
        asks_client,
        // SAFETY: it is the start of a function that was compiled with this signature for this machine.
        enter: unsafe {
            std::mem::transmute::<*const u8, unsafe extern "C" fn(*mut Context) -> u64>(start)
        },
        _memory: memory.clone(),
    };
    Ok((starts.into_iter().zip(asks_client).map(block).collect(), bytes))
}

/// The instructions for a plan, as an assembler would write them.
pub(super) fn listing(plan: &Plan<'_>) -> Result<String, Refused> {
    let module = module()?;
    let mut builder = FunctionBuilderContext::new();
    let mut context = module.make_context();
    context.func.signature = signature(&module);
    emit::emit(plan, &mut context.func, &mut builder, module.target_config());
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
