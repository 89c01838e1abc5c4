#pragma once
#include <curl/curl.h>
#include "CCurlEasy.h"
