# Lets the CMake of a ROS 2 package build against the ROS 2 wheels of a Python environment.
# Included by `pip install` only; on a ROS 2 machine none of this runs.

# The environment's prefix is an ament prefix: it holds share/ and lib/ of every ros-* wheel.
# Find it from a module that each build has: prefix/lib/pythonX.Y/site-packages/ament_package.
execute_process(
  COMMAND "${PYTHON_EXECUTABLE}" -c
    "import ament_package, pathlib; print(pathlib.Path(ament_package.__file__).parents[4])"
  OUTPUT_VARIABLE ROS_WHEELS_PREFIX
  OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE ROS_WHEELS_MISSING
)
if(ROS_WHEELS_MISSING)
  message(FATAL_ERROR
    "The ROS 2 wheels are not installed in the build environment of ${PYTHON_EXECUTABLE}. "
    "Build with `pip install .` (without --no-build-isolation), or on a ROS 2 machine with "
    "`colcon build`.")
endif()
list(PREPEND CMAKE_PREFIX_PATH "${ROS_WHEELS_PREFIX}")
# Only that prefix: a ROS 2 that happens to be sourced in this shell must not be mixed in.
set(ENV{AMENT_PREFIX_PATH} "${ROS_WHEELS_PREFIX}")

# The generated module lands in the package folder of the wheel, beside the Python code.
set(PYTHON_INSTALL_DIR ".")

# The wheels' exported targets name include folders of the machine that built the wheels
# (/opt/python/...), and CMake refuses folders that do not exist. FindPython knows the right
# ones and rosidl adds them by itself.
function(ros_wheels_repair_imported_targets)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(includes ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if("${includes}" MATCHES "/opt/python")
      set_property(TARGET ${target} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "")
    endif()
  endforeach()
endfunction()
