/* The boundary to Python: checks what the kernels are given, and chooses their level.

   A call with plain arrays (contiguous, aligned, of float32 or float64) runs here; one with
   others is handed to the function of the same name in numpy_kernels. Arrays that do not fit each
   other are refused before anything is written. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>

#include "checks.h"

#define MANY 16384 /* multiply-adds from which a call runs without the interpreter's lock */

/* The kernels of a level of processors, in single and in double precision. */
struct level {
    const char *name;
    kernel_function *const *kernels[2];
};
#define KERNELS(level)                                                                            \
    kernels_##level##_single[N_KERNELS], *const kernels_##level##_double[N_KERNELS]
#define LEVEL(level) {#level, {kernels_##level##_single, kernels_##level##_double}},
extern kernel_function *const KERNELS(generic);
#ifdef __x86_64__
extern kernel_function *const KERNELS(x86_64_v2), *const KERNELS(x86_64_v3),
                                                      *const KERNELS(x86_64_v4);
#define LEVELS LEVEL(generic) LEVEL(x86_64_v2) LEVEL(x86_64_v3) LEVEL(x86_64_v4)
#else
#define LEVELS LEVEL(generic)
#endif
static const struct level levels[] = {LEVELS}, *current_level;

#define AS_ENTRY(name, check, signature) {#name, signature, check, KERNEL_##name, .result = 0},
static struct kernel kernels[] = {EACH_KERNEL(AS_ENTRY)};

/* Call the function of the same name in numpy_kernels.py. */
static PyObject *leave_to_numpy(const struct call *call) {
    PyObject *home = PyImport_ImportModule("sknet.kernels.numpy_kernels");
    PyObject *function = home ? PyObject_GetAttrString(home, call->kernel->name) : NULL;
    PyObject *arguments = PyTuple_New(call->n_args);
    for (Py_ssize_t i = 0; arguments && i < call->n_args; i++)
        PyTuple_SetItem(arguments, i, Py_NewRef(call->args[i]));
    PyObject *result = function && arguments ? PyObject_Call(function, arguments, NULL) : NULL;
    Py_XDECREF(home);
    Py_XDECREF(function);
    Py_XDECREF(arguments);
    return result;
}

/* Return the result of a kernel: a float, a bool, True or None. */
static PyObject *result_of(char kind, double value) {
    if (kind == 'f')
        return PyFloat_FromDouble(value);
    if (kind == 'b')
        return PyBool_FromLong(value != 0);
    return Py_NewRef(kind == 'T' ? Py_True : Py_None);
}

static PyObject *call_kernel(const struct kernel *kernel, PyObject *const *args,
                             Py_ssize_t n_args) {
    struct arguments a;
    struct array arrays[MOST_ARGUMENTS];
    struct call call = {kernel, args, n_args, .type = -1, .arrays = arrays};
    if (n_args != kernel->n_items)
        return PyErr_Format(PyExc_TypeError, "%s takes %d arguments, got %zd", kernel->name,
                            kernel->n_items, n_args);
    take_arguments(&call, &a);
    if (call.fate != FAILED && kernel->check)
        kernel->check(&call, &a);
    check_overlap(&call);
    if (call.fate == FAILED)
        return NULL;
    kernel_function *run =
        call.run ? call.run : current_level->kernels[a.is_double][kernel->number];
    if (call.fate == IS_LEFT || !run)
        return leave_to_numpy(&call);
    if (call.work >= MANY) {
        Py_BEGIN_ALLOW_THREADS run(&a);
        Py_END_ALLOW_THREADS
    } else
        run(&a);
    return result_of(kernel->result, a.result);
}

#define AS_FUNCTION(name, check, signature)                                                       \
    static PyObject *name(PyObject *module, PyObject *const *args, Py_ssize_t n_args) {           \
        (void)module;                                                                             \
        return call_kernel(&kernels[KERNEL_##name], args, n_args);                                \
    }
EACH_KERNEL(AS_FUNCTION)

static PyObject *use_blas(PyObject *module, PyObject *addresses) {
    unsigned long long sgemm, dgemm;
    (void)module;
    if (!PyArg_ParseTuple(addresses, "KK:use_blas", &sgemm, &dgemm))
        return NULL;
    gemm_functions[0] = (void *)(uintptr_t)sgemm;
    gemm_functions[1] = (void *)(uintptr_t)dgemm;
    Py_RETURN_NONE;
}

static PyObject *use_threads(PyObject *module, PyObject *number) {
    (void)module;
    const long n = PyLong_AsLong(number);
    pool.n_threads = (int)(n < 1 ? 1 : n > MOST_THREADS ? MOST_THREADS : n);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *run_alone(PyObject *module, PyObject *truth) {
    (void)module;
    is_alone = PyObject_IsTrue(truth);
    return Py_NewRef(Py_None);
}

static const struct level *best_level(void) {
    int best = 0;
#ifdef __x86_64__
    __builtin_cpu_init();
    best += __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    best += best == 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
            __builtin_cpu_supports("bmi2");
    best += best == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl");
#endif
    return &levels[best];
}

static PyObject *use_level(PyObject *module, PyObject *name) {
    const int is_text = PyUnicode_Check(name);
    (void)module;
    for (const struct level *level = levels; level <= best_level(); level++)
        if (is_text ? !PyUnicode_CompareWithASCIIString(name, level->name)
                    : name == Py_None && level == current_level) {
            current_level = level;
            return PyUnicode_FromString(level->name);
        }
    return PyErr_Format(PyExc_ValueError, "this processor has no level %R", name);
}

#define AS_METHOD(name, check, signature)                                                         \
    {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL},

/* clang-format off */
static PyMethodDef methods[] = {
    EACH_KERNEL(AS_METHOD)
    {"use_blas", use_blas, METH_VARARGS, "Take the addresses of cblas_sgemm and cblas_dgemm."},
    {"use_threads", use_threads, METH_O, "Let so many threads share a call, the caller's too."},
    {"run_alone", run_alone, METH_O, "Let the calls of this thread run on it alone, or not."},
    {"use_level", use_level, METH_O, "Run the kernels of a level, or of the last for None; name it."},
    {NULL, NULL, 0, NULL},
};
/* clang-format on */

static void prepare(void) {
    for (struct kernel *kernel = kernels; kernel < kernels + N_KERNELS; kernel++)
        read_signature(kernel);
    pthread_atfork(NULL, NULL, empty_pool);
}

static int execute(PyObject *module) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)module;
    if (PyArray_ImportNumPyAPI() < 0)
        return -1;
    pthread_once(&once, prepare);
    current_level = best_level();
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "sknet.kernels._extension",
    .m_doc = "The kernels of numpy_kernels.py, compiled.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__extension(void) {
    return PyModuleDef_Init(&definition);
}
