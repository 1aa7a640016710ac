"""What a few expectations depend on: how wide this processor's vectors are, which decides whose kernels run."""

from numpy._core._multiarray_umath import __cpu_features__

AVX512 = bool(__cpu_features__.get("AVX512F"))
