// What Swift cannot import from hdf5.h: macros that read a global, casts and unsigned flags.
#pragma once
#include <hdf5.h>
#include <hdf5_hl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Property list classes
static inline hid_t chdf5_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t chdf5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t chdf5_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t chdf5_link_create(void) { return H5P_LINK_CREATE; }
static inline hid_t chdf5_dataset_access(void) { return H5P_DATASET_ACCESS; }
static inline hid_t chdf5_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t chdf5_dataset_transfer(void) { return H5P_DATASET_XFER; }
static inline hid_t chdf5_default(void) { return H5P_DEFAULT; }

// Data types
static inline hid_t chdf5_int8(void) { return H5T_NATIVE_INT8; }
static inline hid_t chdf5_int16(void) { return H5T_NATIVE_INT16; }
static inline hid_t chdf5_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t chdf5_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t chdf5_uint8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t chdf5_uint16(void) { return H5T_NATIVE_UINT16; }
static inline hid_t chdf5_uint32(void) { return H5T_NATIVE_UINT32; }
static inline hid_t chdf5_uint64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t chdf5_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t chdf5_double(void) { return H5T_NATIVE_DOUBLE; }
/// IEEE's numbers of 16 bits, as h5py and netCDF make the type, in this machine's byte order; negative for an error.
/// The caller closes it. (The library has a type of its own from 1.14.4 on.)
static inline hid_t chdf5_half(void) {
  hid_t type = H5Tcopy(H5T_NATIVE_FLOAT);
  if (type < 0) return type;
  if (H5Tset_fields(type, 15, 10, 5, 0, 10) < 0 || H5Tset_size(type, 2) < 0 || H5Tset_ebias(type, 15) < 0) {
    H5Tclose(type);
    return -1;
  }
  return type;
}
static inline hid_t chdf5_c_string(void) { return H5T_C_S1; }
static inline size_t chdf5_variable(void) { return H5T_VARIABLE; }

// Flags and numbers
static inline unsigned chdf5_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned chdf5_exclusive(void) { return H5F_ACC_EXCL; }
static inline unsigned chdf5_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned chdf5_read_write(void) { return H5F_ACC_RDWR; }
static inline hsize_t chdf5_unlimited(void) { return H5S_UNLIMITED; }
static inline hid_t chdf5_all(void) { return H5S_ALL; }
static inline hid_t chdf5_error_stack(void) { return H5E_DEFAULT; }

/// A conversion would put the nearest value, in silence, where a value does not fit; this stops it instead. Loss of
/// digits (a long integer read as a float) is let pass, and so are infinities and NaN among floats.
static inline H5T_conv_ret_t chdf5_refuse_loss(H5T_conv_except_t what, hid_t source, hid_t target, void *from, void *to,
                                               void *unused) {
  (void)to, (void)unused;
  if (what == H5T_CONV_EXCEPT_PRECISION) return H5T_CONV_UNHANDLED;
  if (H5Tget_class(target) != H5T_FLOAT || H5Tget_class(source) != H5T_FLOAT) return H5T_CONV_ABORT;
  if (what == H5T_CONV_EXCEPT_PINF || what == H5T_CONV_EXCEPT_NINF || what == H5T_CONV_EXCEPT_NAN)
    return H5T_CONV_UNHANDLED;
  // An infinite double is reported as one out of a float's range. Files of the other byte order hold it reversed.
  if (H5Tget_size(source) != sizeof(uint64_t)) return H5T_CONV_ABORT;
  uint64_t bits;
  memcpy(&bits, from, sizeof bits);
  const uint64_t infinity = 0x7FF0000000000000, magnitude = 0x7FFFFFFFFFFFFFFF;
  int infinite = (bits & magnitude) == infinity || (__builtin_bswap64(bits) & magnitude) == infinity;
  return infinite ? H5T_CONV_UNHANDLED : H5T_CONV_ABORT;
}
static inline herr_t chdf5_set_refuse_loss(hid_t transfer) {
  return H5Pset_type_conv_cb(transfer, chdf5_refuse_loss, NULL);
}

/// What an object is, whatever the library's version calls its structs: 0 a group, 1 a dataset, 2 another, -1 an error.
static inline int chdf5_object_kind(hid_t location, const char *path) {
  hid_t object = H5Oopen(location, path, H5P_DEFAULT);
  if (object < 0) return -1;
  H5I_type_t type = H5Iget_type(object);
  if (H5Oclose(object) < 0) return -1;
  return type == H5I_GROUP ? 0 : type == H5I_DATASET ? 1 : 2;
}

/// Hands every name of a group, or every name of an object's attributes, to `found`.
struct chdf5_listing {
  void (*found)(const char *name, void *context);
  void *context;
};
static inline herr_t chdf5_found_link(hid_t group, const char *name, const H5L_info_t *info, void *data) {
  (void)group, (void)info;
  struct chdf5_listing *listing = (struct chdf5_listing *)data;
  listing->found(name, listing->context);
  return 0;
}
static inline herr_t chdf5_found_attribute(hid_t object, const char *name, const H5A_info_t *info, void *data) {
  (void)object, (void)info;
  struct chdf5_listing *listing = (struct chdf5_listing *)data;
  listing->found(name, listing->context);
  return 0;
}
static inline herr_t chdf5_list_links(hid_t group, struct chdf5_listing *listing) {
  return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, chdf5_found_link, listing);
}
static inline herr_t chdf5_list_attributes(hid_t object, struct chdf5_listing *listing) {
  return H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, chdf5_found_attribute, listing);
}

/// Where a link leads: returns 1 for a soft link (its path in `target`), 2 for an external one (file, zero, path), else 0.
static inline int chdf5_link_target(hid_t place, const char *name, char *target, size_t size) {
  H5L_info_t info;
  int kind = 0;
  if (H5Lget_info(place, name, &info, H5P_DEFAULT) >= 0 && info.u.val_size < size) {
    if (info.type == H5L_TYPE_SOFT && H5Lget_val(place, name, target, size, H5P_DEFAULT) >= 0) kind = 1;
    char *value = info.type == H5L_TYPE_EXTERNAL ? (char *)malloc(info.u.val_size) : NULL;
    unsigned flags;
    const char *file, *path;
    if (value && H5Lget_val(place, name, value, info.u.val_size, H5P_DEFAULT) >= 0
        && H5Lunpack_elink_val(value, info.u.val_size, &flags, &file, &path) >= 0) {
      const size_t length = strlen(file) + 1;
      memcpy(target, file, length);
      memcpy(target + length, path, strlen(path) + 1);
      kind = 2;
    }
    free(value);
  }
  H5Eclear2(H5E_DEFAULT);
  return kind;
}
