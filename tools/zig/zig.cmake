# CMake's view of zig as a compiler for another system; tools/wheels.py sets the environment that it reads, which unlike
# variables of CMake also reaches the small projects that CMake tries the compiler with.
string(REPLACE "-" ";" target $ENV{ZIG_TARGET})  # processor-system-library
list(GET target 0 CMAKE_SYSTEM_PROCESSOR)
list(GET target 1 system)
if(system MATCHES "^macos")
  set(CMAKE_SYSTEM_NAME Darwin)
elseif(system STREQUAL "windows")
  set(CMAKE_SYSTEM_NAME Windows)
else()
  set(CMAKE_SYSTEM_NAME Linux)
endif()

foreach(tool IN ITEMS CXX_COMPILER AR RANLIB)
  string(TOLOWER ${tool} name)
  set(CMAKE_${tool} $ENV{ZIG_TOOLS}/${name})
endforeach()
set(CMAKE_MODULE_LINKER_FLAGS_INIT -s)
