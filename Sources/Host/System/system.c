#include "fanfold_system.h"
