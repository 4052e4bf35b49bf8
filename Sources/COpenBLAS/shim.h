#pragma once
#include <cblas.h>

// LAPACK's symmetric eigenproblem, which OpenBLAS holds but does not declare.
void dsyev_(
    const char *jobz, const char *uplo, const blasint *n, double *a, const blasint *lda, double *w, double *work,
    const blasint *lwork, blasint *info);
