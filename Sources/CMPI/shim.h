// What Swift's importer cannot see of MPI: macros that hide pointers, and handles whose null form differs between
// libraries. Handles are not optional in Swift (CMPIHandle); "none" is the library's own null handle.
//
// The same header serves Open MPI (handles are pointers) and the MPICH family (handles are integers).
#pragma once

#include <limits.h>
#include <mpi.h>
#include <stdint.h>
#include <string.h>

#ifdef OPEN_MPI
#define CMPI_HANDLE _Nonnull
#else
#define CMPI_HANDLE
#endif

typedef MPI_Comm CMPI_HANDLE CMPIComm;
typedef MPI_Datatype CMPI_HANDLE CMPIDatatype;
typedef MPI_Op CMPI_HANDLE CMPIOp;
typedef MPI_Request CMPI_HANDLE CMPIRequest;
typedef MPI_Win CMPI_HANDLE CMPIWin;

// Constants ---------------------------------------------------------------------------------------------------------

static inline CMPIComm cmpi_comm_world(void) { return MPI_COMM_WORLD; }
static inline CMPIComm cmpi_comm_self(void) { return MPI_COMM_SELF; }
static inline CMPIComm cmpi_comm_null(void) { return MPI_COMM_NULL; }
static inline CMPIRequest cmpi_request_null(void) { return MPI_REQUEST_NULL; }
static inline CMPIWin cmpi_win_null(void) { return MPI_WIN_NULL; }
static inline MPI_Info cmpi_info_null(void) { return MPI_INFO_NULL; }
static inline int cmpi_is_comm_null(MPI_Comm comm) { return comm == MPI_COMM_NULL; }

static inline const void *_Nonnull cmpi_in_place(void) { return MPI_IN_PLACE; }
static inline int cmpi_any_source(void) { return MPI_ANY_SOURCE; }
static inline int cmpi_any_tag(void) { return MPI_ANY_TAG; }
static inline int cmpi_undefined(void) { return MPI_UNDEFINED; }
static inline int cmpi_ident(void) { return MPI_IDENT; }
static inline int cmpi_congruent(void) { return MPI_CONGRUENT; }
static inline int cmpi_similar(void) { return MPI_SIMILAR; }

static inline CMPIDatatype cmpi_float(void) { return MPI_FLOAT; }
static inline CMPIDatatype cmpi_double(void) { return MPI_DOUBLE; }
static inline CMPIDatatype cmpi_int8(void) { return MPI_INT8_T; }
static inline CMPIDatatype cmpi_uint8(void) { return MPI_UINT8_T; }
static inline CMPIDatatype cmpi_int16(void) { return MPI_INT16_T; }
static inline CMPIDatatype cmpi_uint16(void) { return MPI_UINT16_T; }
static inline CMPIDatatype cmpi_int32(void) { return MPI_INT32_T; }
static inline CMPIDatatype cmpi_uint32(void) { return MPI_UINT32_T; }
static inline CMPIDatatype cmpi_int64(void) { return MPI_INT64_T; }
static inline CMPIDatatype cmpi_uint64(void) { return MPI_UINT64_T; }

static inline CMPIOp cmpi_sum(void) { return MPI_SUM; }
static inline CMPIOp cmpi_min(void) { return MPI_MIN; }
static inline CMPIOp cmpi_max(void) { return MPI_MAX; }
static inline CMPIOp cmpi_bitwise_and(void) { return MPI_BAND; }
static inline CMPIOp cmpi_bitwise_or(void) { return MPI_BOR; }
static inline CMPIOp cmpi_bitwise_xor(void) { return MPI_BXOR; }
static inline CMPIOp cmpi_logical_and(void) { return MPI_LAND; }
static inline CMPIOp cmpi_logical_or(void) { return MPI_LOR; }

/// The version of Open MPI that this was compiled with; 0 for another library.
static inline int cmpi_open_mpi_major(void) {
#ifdef OPEN_MPI
  return OMPI_MAJOR_VERSION;
#else
  return 0;
#endif
}

/// The first of two codes that is an error.
static inline int cmpi_first(int code, int next) { return code != MPI_SUCCESS ? code : next; }

// Start -------------------------------------------------------------------------------------------------------------

static inline int cmpi_init_funneled(int *_Nonnull provided) {
  return MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, provided);
}

static inline int cmpi_is_funneled(int provided) { return provided >= MPI_THREAD_FUNNELED; }

static inline int cmpi_comm_return_errors(MPI_Comm comm) { return MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN); }

static inline int cmpi_win_return_errors(MPI_Win window) { return MPI_Win_set_errhandler(window, MPI_ERRORS_RETURN); }

// Communicators -----------------------------------------------------------------------------------------------------

static inline int cmpi_comm_dup(MPI_Comm comm, CMPIComm *_Nonnull result) { return MPI_Comm_dup(comm, result); }

static inline int cmpi_comm_split(MPI_Comm comm, int color, int key, CMPIComm *_Nonnull result) {
  return MPI_Comm_split(comm, color, key, result);
}

static inline int cmpi_comm_split_node(MPI_Comm comm, int key, CMPIComm *_Nonnull result) {
  return MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, key, MPI_INFO_NULL, result);
}

static inline int cmpi_comm_create_group(
    MPI_Comm comm, int count, const int *_Nonnull ranks, int tag, CMPIComm *_Nonnull result) {
  MPI_Group all, some;
  int code = MPI_Comm_group(comm, &all);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Group_incl(all, count, ranks, &some);
  if (code == MPI_SUCCESS) {
    code = MPI_Comm_create_group(comm, some, tag, result);
    code = cmpi_first(code, MPI_Group_free(&some));
  }
  return cmpi_first(code, MPI_Group_free(&all));
}

static inline int cmpi_comm_free(MPI_Comm comm) { return MPI_Comm_free(&comm); }

// Point to point ----------------------------------------------------------------------------------------------------

/// A committed type of `count` elements of `type`, made of blocks of `block`: a message of any length with a count of 1.
static inline int cmpi_large_type(
    int64_t count, int64_t block, MPI_Datatype type, MPI_Datatype *_Nonnull result) {
  int64_t blocks = count / block;
  if (block > INT_MAX || blocks > INT_MAX) return MPI_ERR_COUNT;
  MPI_Aint lower, extent;
  int code = MPI_Type_get_extent(type, &lower, &extent);
  if (code != MPI_SUCCESS) return code;
  MPI_Datatype one, many;
  code = MPI_Type_contiguous((int)block, type, &one);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Type_contiguous((int)blocks, one, &many);
  code = cmpi_first(code, MPI_Type_free(&one));
  if (code != MPI_SUCCESS) return code;
  int lengths[2] = {1, (int)(count % block)};
  MPI_Aint offsets[2] = {0, (MPI_Aint)(blocks * block) * extent};
  MPI_Datatype types[2] = {many, type};
  code = MPI_Type_create_struct(2, lengths, offsets, types, result);
  code = cmpi_first(code, MPI_Type_free(&many));
  if (code != MPI_SUCCESS) return code;
  code = MPI_Type_commit(result);
  return code != MPI_SUCCESS ? cmpi_first(code, MPI_Type_free(result)) : code;
}

static inline int cmpi_send(
    const void *_Nullable data, int64_t count, int64_t block, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
  if (count <= block) return MPI_Send(data, (int)count, type, to, tag, comm);
  MPI_Datatype large;
  int code = cmpi_large_type(count, block, type, &large);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Send(data, 1, large, to, tag, comm);
  return cmpi_first(code, MPI_Type_free(&large));
}

static inline int cmpi_receive(
    void *_Nullable data, int64_t count, int64_t block, MPI_Datatype type, int from, int tag, MPI_Comm comm,
    MPI_Status *_Nonnull status) {
  if (count <= block) return MPI_Recv(data, (int)count, type, from, tag, comm, status);
  MPI_Datatype large;
  int code = cmpi_large_type(count, block, type, &large);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Recv(data, 1, large, from, tag, comm, status);
  return cmpi_first(code, MPI_Type_free(&large));
}

static inline int cmpi_start_send(
    const void *_Nullable data, int64_t count, int64_t block, MPI_Datatype type, int to, int tag, MPI_Comm comm,
    CMPIRequest *_Nonnull request) {
  if (count <= block) return MPI_Isend(data, (int)count, type, to, tag, comm, request);
  MPI_Datatype large;
  int code = cmpi_large_type(count, block, type, &large);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Isend(data, 1, large, to, tag, comm, request);
  return cmpi_first(code, MPI_Type_free(&large));  // Lives on in the library until the message is through.
}

static inline int cmpi_start_receive(
    void *_Nullable data, int64_t count, int64_t block, MPI_Datatype type, int from, int tag, MPI_Comm comm,
    CMPIRequest *_Nonnull request) {
  if (count <= block) return MPI_Irecv(data, (int)count, type, from, tag, comm, request);
  MPI_Datatype large;
  int code = cmpi_large_type(count, block, type, &large);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Irecv(data, 1, large, from, tag, comm, request);
  return cmpi_first(code, MPI_Type_free(&large));
}

/// Elements of the basic type `type` in a received or probed message, as 64 bits; -1 when not a whole number.
static inline int cmpi_count(const MPI_Status *_Nonnull status, MPI_Datatype type, int64_t *_Nonnull count) {
  MPI_Count elements = 0;
  int code = MPI_Get_elements_x((MPI_Status *)status, type, &elements);
  *count = elements == MPI_UNDEFINED ? -1 : (int64_t)elements;
  return code;
}

// Requests ----------------------------------------------------------------------------------------------------------

static inline int cmpi_start_barrier(MPI_Comm comm, CMPIRequest *_Nonnull request) {
  return MPI_Ibarrier(comm, request);
}

static inline int cmpi_start_broadcast(
    void *_Nonnull data, int count, MPI_Datatype type, int root, MPI_Comm comm, CMPIRequest *_Nonnull request) {
  return MPI_Ibcast(data, count, type, root, comm, request);
}

static inline int cmpi_start_all_reduce(
    void *_Nonnull data, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm, CMPIRequest *_Nonnull request) {
  return MPI_Iallreduce(MPI_IN_PLACE, data, count, type, op, comm, request);
}

static inline int cmpi_wait(CMPIRequest *_Nonnull request, MPI_Status *_Nonnull status) {
  return MPI_Wait(request, status);
}

static inline int cmpi_test(CMPIRequest *_Nonnull request, int *_Nonnull done, MPI_Status *_Nonnull status) {
  return MPI_Test(request, done, status);
}

static inline int cmpi_cancel(CMPIRequest *_Nonnull request) { return MPI_Cancel(request); }

// Windows -----------------------------------------------------------------------------------------------------------

/// MPI_Win_allocate_shared, every segment on pages of its own.
static inline int cmpi_win_allocate_shared(
    int64_t bytes, int unit, MPI_Comm comm, void *_Nullable *_Nonnull base, CMPIWin *_Nonnull window) {
  MPI_Info info;
  int code = MPI_Info_create(&info);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Info_set(info, "alloc_shared_noncontig", "true");
  if (code == MPI_SUCCESS) code = MPI_Win_allocate_shared((MPI_Aint)bytes, unit, info, comm, base, window);
  return cmpi_first(code, MPI_Info_free(&info));
}

static inline int cmpi_win_shared_query(
    MPI_Win window, int rank, int64_t *_Nonnull bytes, void *_Nullable *_Nonnull base) {
  MPI_Aint size = 0;
  int unit = 0;
  int code = MPI_Win_shared_query(window, rank, &size, &unit, base);
  *bytes = (int64_t)size;
  return code;
}

static inline int cmpi_win_lock_all(MPI_Win window) { return MPI_Win_lock_all(MPI_MODE_NOCHECK, window); }

static inline int cmpi_win_free(CMPIWin *_Nonnull window) { return MPI_Win_free(window); }

// Counters in shared memory, and the wait for them ---------------------------------------------------------------------

static inline int64_t cmpi_load_acquire(const int64_t *_Nonnull counter) {
  return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static inline void cmpi_store_release(int64_t *_Nonnull counter, int64_t value) {
  __atomic_store_n(counter, value, __ATOMIC_RELEASE);
}

static inline void cmpi_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/// The value of one of the library's own text settings (an Open MPI MCA parameter) by MPI's tool interface.
/// Returns the length, or 0 when there is no such setting or it does not fit.
static inline int cmpi_text_setting(const char *_Nonnull name, char *_Nonnull text, int capacity) {
  int provided = 0, index = -1, count = 0, length = 0;
  memset(text, 0, (size_t)capacity);
  if (MPI_T_init_thread(MPI_THREAD_SINGLE, &provided) != MPI_SUCCESS) return 0;
  if (MPI_T_cvar_get_index(name, &index) == MPI_SUCCESS) {
    MPI_T_cvar_handle handle;
    if (MPI_T_cvar_handle_alloc(index, NULL, &handle, &count) == MPI_SUCCESS) {
      if (count < capacity && MPI_T_cvar_read(handle, text) == MPI_SUCCESS) {
        text[capacity - 1] = 0;
        length = (int)strlen(text);
      }
      MPI_T_cvar_handle_free(&handle);
    }
  }
  MPI_T_finalize();
  return length;
}
