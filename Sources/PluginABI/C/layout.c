#include "fanfold_plugin.h"
